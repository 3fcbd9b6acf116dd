"""命令: the three programs, jukinetd, jukinetctl and jukinet-sim."""
