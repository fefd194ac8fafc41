"""The Statement Execution API on an embedded engine, with ai_query."""
