"""The actor that runs one station."""
