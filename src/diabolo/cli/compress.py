"""`diabolo compress IN -o OUT.dbl`."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from diabolo.cli.restoring import MOST, device
from diabolo.cli.show import Show

NAME = "compress"
HELP = "make pictures small, with a learned codec: any size, any quality, one model"
EXAMPLES = (
    "diabolo compress photo.png -o photo.dbl",
    "diabolo compress photo.jpg -o photo.dbl --quality 30 --lossless-check",
    "diabolo compress photo.jpg -o photo.dbl --target-size 50kB",
    "diabolo compress PHOTOS/ -o SMALL/ --target-psnr 34",
    "diabolo compress SCANS/ -o scans.dbl -m scans.diabolo",
)
UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2}


def add(parser: ArgumentParser) -> None:
    parser.add_argument("place", metavar="IN", help="a picture, a folder of pictures, or an array file")
    out = "*.dbl, or a folder for a folder; a folder of pictures of one size also goes to one *.dbl"
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    add_model(parser)
    parser.add_argument("--quality", type=int, default=60, metavar="1..100", help="how near it shall be [60]")
    effort = "1..9: from 2 on, time is spent to make the file a little smaller; decoding takes no longer [1]"
    parser.add_argument("--effort", type=int, default=1, metavar="1..9", help=effort)
    size = "the largest file allowed, as 50kB or 0.2MB; the quality is found"
    parser.add_argument("--target-size", type=_bytes, metavar="SIZE", help=size)
    parser.add_argument("--target-bpp", type=float, metavar="X", help="the most bits per pixel, all counted")
    parser.add_argument("--target-psnr", type=float, metavar="DB", help="the least nearness, decibels")
    parser.add_argument("--lossless-check", action="store_true", help="read each file back: its exact PSNR and MS-SSIM")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")


def add_model(parser: ArgumentParser) -> None:
    """The codec, and where it computes."""
    model = "a codec, of diabolo fit compress FOLDER, or a starter's name [photo]"
    parser.add_argument("-m", "--model", metavar="MODEL", help=model)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.compress import Compressor
    from diabolo.tasks.compress.files import compress_place

    task = Compressor(
        arguments.model,
        quality=arguments.quality,
        effort=arguments.effort,
        target_size=arguments.target_size,
        target_bpp=arguments.target_bpp,
        target_psnr=arguments.target_psnr,
        device=device(arguments),
    )
    check, strict = arguments.lossless_check, arguments.strict
    rows = compress_place(arguments.place, arguments.out, task, check=check, strict=strict, listen=show.listen)
    for row in rows[:MOST]:
        told = f"{row['name']}: {row['bytes']:,} bytes, {row['bpp']:.3f} bits per pixel, quality {row['quality']}"
        told += f", PSNR {row['psnr']:.2f} dB" if "psnr" in row else ""
        show.say(told + (f", MS-SSIM {row['ms_ssim']:.4f}" if "ms_ssim" in row else ""))
    if len(rows) > MOST:
        show.say(f"... and {len(rows) - MOST} more (--json tells of all)")
    show.say(f"{arguments.out}: {sum(row['bytes'] for row in rows):,} bytes")
    return {"out": arguments.out, "bytes": sum(row["bytes"] for row in rows), "files": rows}


def _bytes(text: str) -> int:
    """A size in words as a number of bytes.

    >>> _bytes("50kB"), _bytes("0.5 MiB")
    (50000, 524288)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", text)
    if not found or found[2].lower() not in UNITS:
        raise ArgumentTypeError(f"not a size: got {text!r}; allowed: 50000, 50kB, 0.5MB, 48KiB")
    return int(float(found[1]) * UNITS[found[2].lower()])
