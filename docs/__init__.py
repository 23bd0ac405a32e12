"""The pages for readers, and the program that writes those which follow from the code."""
