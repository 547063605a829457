// Names a picture with a bundle, in Node or any other runtime of JavaScript.
//     npm install onnxruntime-web
//     node name_picture.mjs runs/digits/bundles/cnn seven.pgm
// The picture is a binary PGM or PPM, so that nothing else needs to be installed; a page would take
// the pixels of a canvas.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [bundle, file] = process.argv.slice(2);
const { classes } = JSON.parse(readFileSync(`${bundle}/bundle.json`, "utf8"));

const bytes = readFileSync(file);
const header = /^(P[56])\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.toString("latin1", 0, 64));
if (!header) throw new Error(`${file} is no binary PGM or PPM of 8 bits`);
const [width, height, channels] = [+header[2], +header[3], header[1] === "P6" ? 3 : 1];
const pixels = Uint8Array.from(bytes.subarray(header[0].length));

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(`${bundle}/model.onnx`));
const shape = [1, height, width, channels]; // any size, one channel or three
const answer = await session.run({ pixels: new ort.Tensor("uint8", pixels, shape) });
const shares = answer.probabilities.data;
const best = shares.indexOf(Math.max(...shares));
console.log(`${classes[best]} ${shares[best].toFixed(5)}`);
