"""Measures and breaks the product as it runs in production: `make bench` and `make faults`."""
