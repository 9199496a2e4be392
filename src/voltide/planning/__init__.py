"""Minutes to a day ahead, one station. Values in, values out: no clock, no I/O."""
