"""Pictures as arrays: reading, writing, resizing. The only package that touches the picture libraries."""

from diabolo.pixels.arrays import jpeg_round_trip, png_bytes, resize
from diabolo.pixels.picture import SUFFIXES, Header, Picture, is_picture
from diabolo.pixels.reading import picture_size, read_picture
from diabolo.pixels.writing import check_fits, write_picture

__all__ = [
    "SUFFIXES",
    "Header",
    "Picture",
    "check_fits",
    "is_picture",
    "jpeg_round_trip",
    "picture_size",
    "png_bytes",
    "read_picture",
    "resize",
    "write_picture",
]
