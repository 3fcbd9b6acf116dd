"""永続: what it takes, besides the content, that a file is still there after the power has gone."""

import os
from pathlib import Path


def flush_folder(folder: Path) -> None:
    """Makes the names in a folder durable, after a file was made or put in place there. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
