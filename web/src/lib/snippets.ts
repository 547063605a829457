/** Programs that ask a run's models, with the address of this server. */

export interface Snippets {
  Python: string;
  curl: string;
  JavaScript: string;
}

/** `page` is the address of the page; with `token`, requests need the reader's token. */
export function snippets(
  page: string,
  run: string,
  models: readonly string[],
  token: boolean,
): Snippets {
  const query = new URLSearchParams(models.map((name) => ["model", name]));
  const predict = `${new URL("api/predict", page).href}?${query}`;
  return {
    Python: [
      "import bakeoff",
      "",
      `models = bakeoff.load(${JSON.stringify(`runs/${run}`)})  # the folder of the run`,
      'print(models.predict("picture.png"))',
    ].join("\n"),
    curl: [
      `curl -F files=@picture.png${token ? ' -H "Authorization: Bearer TOKEN"' : ""} \\`,
      `  "${predict}"`,
    ].join("\n"),
    JavaScript: [
      "const body = new FormData();",
      'body.append("files", picture); // a File or a Blob',
      `const answer = await fetch("${predict}", {`,
      '  method: "POST",',
      "  body,",
      ...(token ? ['  headers: { Authorization: "Bearer TOKEN" },'] : []),
      "});",
      "const { models } = await answer.json();",
      "for (const { model, answers } of models) console.log(model, answers[0].label);",
      "// A page of another site needs: bakeoff serve --allow-origin https://that.site",
    ].join("\n"),
  };
}
