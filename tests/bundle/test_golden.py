from base64 import b64decode

import numpy as np

from bakeoff.bundle.golden import as_base64, golden_pictures
from bakeoff.data.decode import decode


def test_golden_pictures_are_always_the_same_and_all_different() -> None:
    pictures, again = golden_pictures(), golden_pictures()
    assert all(np.array_equal(one, same) for one, same in zip(pictures, again, strict=True))
    assert len({one.shape for one in pictures}) == len(pictures)
    assert {one.shape[2] for one in pictures} == {1, 3}
    assert all(int(np.ptp(one)) > 100 for one in pictures)  # there is ink on paper


def test_as_files_they_are_the_same_pixels() -> None:
    for picture in golden_pictures():
        assert np.array_equal(decode(b64decode(as_base64(picture)), "golden"), picture)
