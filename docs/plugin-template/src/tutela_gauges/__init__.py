"""Level gauges of rivers and sewers, for tutela."""
