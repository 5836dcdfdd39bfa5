"""Two arms, judged: gates, guard rails, effects, a decision."""
