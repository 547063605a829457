// Names a picture (a binary PGM or PPM) with a bundle, in C, with the library in `pip install tract`:
//     cc name_picture.c -o name_picture "$TRACT"/tract.*.so -Wl,-rpath,"$TRACT"
//     ./name_picture runs/digits/bundles/cnn seven.pgm
#include <stdio.h>
#include <string.h>
enum { U8 = 0x11, MOST = 1 << 26 };
int tract_onnx_create(void **onnx);
int tract_onnx_load(void *onnx, const char *path, void **parsed);
int tract_inference_model_into_model(void **parsed, void **model);
int tract_model_into_runnable(void **model, void **graph);
int tract_tensor_from_bytes(int type, size_t rank, const size_t *shape, void *data, void **tensor);
int tract_runnable_run(void *graph, void **inputs, void **outputs);
int tract_tensor_as_bytes(void *tensor, int *type, size_t *rank, size_t **shape, void **data);
const char *tract_get_last_error(void);
static char data[MOST], path[4096];

int main(int count, char **arguments) {
  char kind, *name;
  size_t shape[4] = {1}, *sizes, best = 0;
  void *onnx, *parsed, *model, *graph, *picture, *answers[4];
  float *shares;
  FILE *file = count == 3 ? fopen(arguments[2], "rb") : NULL;
  if (!file || fscanf(file, "P%c %zu %zu 255", &kind, &shape[2], &shape[1]) != 3) return 2;
  shape[3] = kind == '6' ? 3 : 1; // any size, one channel or three
  if (fgetc(file) < 0 || fread(data, 1, MOST, file) != shape[1] * shape[2] * shape[3]) return 2;
  snprintf(path, sizeof path, "%s/model.onnx", arguments[1]);
  if (tract_onnx_create(&onnx) || tract_onnx_load(onnx, path, &parsed) ||
      tract_inference_model_into_model(&parsed, &model) || tract_model_into_runnable(&model, &graph) ||
      tract_tensor_from_bytes(U8, 4, shape, data, &picture) || tract_runnable_run(graph, &picture, answers) ||
      tract_tensor_as_bytes(answers[0], NULL, NULL, &sizes, (void **)&shares))
    return fprintf(stderr, "%s\n", tract_get_last_error()), 1;
  for (size_t each = 1; each < sizes[1]; each++) best = shares[each] > shares[best] ? each : best;
  snprintf(path, sizeof path, "%s/bundle.json", arguments[1]);
  if (!(file = fopen(path, "rb"))) return 2;
  data[fread(data, 1, MOST - 1, file)] = 0;
  name = strchr(strstr(data, "\"classes\""), '['); // its strings are the classes, in order
  for (size_t quotes = 0; quotes <= best * 2; quotes++) name = strchr(name, '"') + 1;
  printf("%.*s %.5f\n", (int)strcspn(name, "\""), name, shares[best]);
}
