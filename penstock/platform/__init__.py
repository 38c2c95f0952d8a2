"""What programs need around the graph: command line flags, logging, files, resources beside the code."""
