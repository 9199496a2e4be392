"""The station's own hardware behind ports of one or two methods."""
