"""The only room that knows embedded from distributed: bus, store, codec."""
