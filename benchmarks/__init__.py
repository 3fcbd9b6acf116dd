"""性能の測定: what the server costs and how fast it is, beside what others would build. `make bench`."""
