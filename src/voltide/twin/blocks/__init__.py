"""What a model charger can do beside sessions and setpoints, one behaviour to a file.

A block reads and writes the wire of its version itself and not through the dialect, and honours every field of it: so
the station's dialect is tried against the specification, not against its own mirror image.
"""
