"""Names of what every run records."""

COUNTS = ("steps", "gradient_evaluations")
TARGET = "epochs_to_"  # begins the name of a metric: the first checkpoint at a test error
CURVES = ("train_loss", "train_error", "validation_loss", "validation_error", "test_loss", "test_error")
