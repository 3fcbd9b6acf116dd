"""計器: what a loss of power would take, as the disk writes it where a kill does not reach: pages, names."""

import struct

GAUGE = struct.Struct("=QQ")
