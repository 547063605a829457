// Names a picture (a binary PGM or PPM) with a bundle, in Rust, with the library in `pip install tract`:
//     rustc name_picture.rs -C link-arg="$(ls "$TRACT"/tract.*.so)" -C link-arg=-Wl,-rpath,"$TRACT"
//     ./name_picture runs/digits/bundles/cnn seven.pgm
use std::ffi::{c_char, c_int, c_void, CString};
use std::{env, fs, ptr::null, ptr::null_mut, slice::from_raw_parts};
type Any = *mut c_void;
extern "C" {
    fn tract_onnx_create(onnx: &mut Any) -> c_int;
    fn tract_onnx_load(onnx: Any, path: *const c_char, parsed: &mut Any) -> c_int;
    fn tract_inference_model_into_model(parsed: &mut Any, model: &mut Any) -> c_int;
    fn tract_model_into_runnable(model: &mut Any, graph: &mut Any) -> c_int;
    fn tract_tensor_from_bytes(kind: c_int, rank: usize, shape: &usize, data: &u8, made: &mut Any) -> c_int;
    fn tract_runnable_run(graph: Any, inputs: &mut Any, outputs: &mut Any) -> c_int;
    fn tract_tensor_as_bytes(of: Any, kind: Any, rank: Any, shape: &mut *const usize, data: &mut *const f32) -> c_int;
}
fn main() {
    let [_, bundle, file] = &env::args().collect::<Vec<_>>()[..] else { panic!("BUNDLE PICTURE") };
    let bytes = fs::read(file).expect("a picture");
    let parts: Vec<_> = bytes.splitn(5, u8::is_ascii_whitespace).collect(); // P5, width, height, 255
    let size = |part: &[u8]| String::from_utf8_lossy(part).parse::<usize>().expect("a binary PGM or PPM");
    let shape = [1, size(parts[2]), size(parts[1]), if parts[0] == b"P6" { 3 } else { 1 }];
    assert_eq!(parts[4].len(), shape.iter().product(), "a picture of 8 bits");
    let text = fs::read_to_string(format!("{bundle}/bundle.json")).expect("a bundle");
    let mut classes = text.split("\"classes\"").nth(1).expect("classes").split('"').skip(1).step_by(2);
    let path = CString::new(format!("{bundle}/model.onnx")).unwrap();
    let [mut onnx, mut parsed, mut model, mut graph, mut picture] = [null_mut(); 5];
    let (mut answers, mut sizes, mut data) = ([null_mut(); 4], null(), null());
    let shares = unsafe {
        assert!(tract_onnx_create(&mut onnx) == 0 && tract_onnx_load(onnx, path.as_ptr(), &mut parsed) == 0);
        assert!(tract_inference_model_into_model(&mut parsed, &mut model) == 0);
        assert!(tract_model_into_runnable(&mut model, &mut graph) == 0);
        assert!(tract_tensor_from_bytes(0x11, 4, &shape[0], &parts[4][0], &mut picture) == 0);
        assert!(tract_runnable_run(graph, &mut picture, &mut answers[0]) == 0);
        assert!(tract_tensor_as_bytes(answers[0], null_mut(), null_mut(), &mut sizes, &mut data) == 0);
        from_raw_parts(data, *sizes.add(1))
    };
    let best = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).unwrap();
    println!("{} {:.5}", classes.nth(best).unwrap(), shares[best]);
}
