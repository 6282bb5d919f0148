"""One file a page: widgets in, one call into `core`, figures out. `parts` holds what several pages show."""
