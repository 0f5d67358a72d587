"""One panel a file, one function a panel."""
