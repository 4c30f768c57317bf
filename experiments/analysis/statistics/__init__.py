"""Statistics of comparisons and reproductions: functions of numbers and DataFrames, each with its seed."""
