"""Who asks: one module for each way of proving it."""
