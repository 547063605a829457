#!/usr/bin/env bash
# NumPy 2.4 silently keeps using AVX2 and AVX-512 where NPY_DISABLE_CPU_FEATURES names them.
#
# In NumPy 2.2 features have their own names (AVX2, AVX512F, AVX512_SKX …), and this variable turns
# each off. In 2.4 they are grouped into levels (X86_V3, X86_V4 …), and the old names, which guides
# and benchmarks still use, turn nothing off. The only sign is an ImportWarning, which Python hides
# by default. So a measurement "without AVX2" is one with it. Run on a processor with AVX2.
#
# Output seen:
#   numpy 2.2.6: AVX2 in use: False; as X86_V3: False; warned: False
#   numpy 2.4.6: AVX2 in use: False; as X86_V3: True; warned: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2.2.6 2.4.6; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "numpy==$version"
done
cat > "$folder/show.py" <<'PROGRAM'
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import numpy as np

simd = np.__config__.CONFIG["SIMD Extensions"]
used = {*simd["baseline"], *simd["found"]}
warned = any(issubclass(one.category, ImportWarning) for one in caught)
print(f"numpy {np.__version__}: AVX2 in use: {'AVX2' in used}; as X86_V3: {'X86_V3' in used}; warned: {warned}")
PROGRAM
export NPY_DISABLE_CPU_FEATURES="AVX2"
for version in 2.2.6 2.4.6; do
  "$folder/$version/bin/python" "$folder/show.py"
  [ -z "$("$folder/$version/bin/python" -c 'import numpy' 2>&1)" ]  # nothing is shown
done | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
numpy 2.2.6: AVX2 in use: False; as X86_V3: False; warned: False
numpy 2.4.6: AVX2 in use: False; as X86_V3: True; warned: True
SEEN
