"""Prints what the image adds to its base: python -m tests.image."""

from __future__ import annotations

import sys

from tests.image.build import NoImage, image
from tests.image.test_image import added_bytes

if __name__ == "__main__":
    try:
        print(f"barrelman-sync adds {added_bytes(image()) / 1e6:.0f} MB to its base")
    except NoImage as error:
        sys.exit(str(error))
