/** After the name of a model: what was made of it by teaching it more. */
export const TAUGHT = "-taught";
