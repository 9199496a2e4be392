"""Studies: our plan beside the classic rules and perfect foresight, on the same days."""
