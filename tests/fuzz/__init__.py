"""読み手を試す: every parser under arbitrary bytes. In the suite by hypothesis, for long by `make fuzz`."""
