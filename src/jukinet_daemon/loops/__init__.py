"""仕事: one background duty, one file: the receiving of parcels, the relay, the watch on the CRL."""
