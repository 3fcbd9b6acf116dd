"""荒らし: two thousand bad peers at once at a real server, while good ones measure."""
