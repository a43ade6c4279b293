"""Whether two values that were read are equal, kind by kind; and the papers' own comparison."""
