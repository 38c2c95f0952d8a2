"""Summaries: what a program tells of itself while it runs, written as event files that TensorBoard shows."""
