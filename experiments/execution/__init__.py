"""Running a plan: the driver, the workers, and the backends that start them."""
