"""One file a measurement. Each takes a stage and a scale and gives its figures, raw ones included."""
