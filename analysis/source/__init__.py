"""Where calls are counted: the X-Ray service graph and its traces."""
