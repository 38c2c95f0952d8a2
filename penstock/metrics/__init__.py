"""TensorFlow 1's metrics: values that accumulate over batches in local variables.

Each function returns the metric's value so far and an operation that takes in a batch. `state` has the variables and
what all metrics share, `means` averages, `counts` true and false positives and what follows from them, `classes`
metrics over a confusion matrix, `ranking` those of the best k predictions.
"""
