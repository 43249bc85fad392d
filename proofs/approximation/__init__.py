"""Which theorem of stochastic approximation covers a rule on a process: its assumptions checked, cited or assumed.

Read `assumptions` (what is asked), `question`, `study` (what is computed once), then who answers: `form`, `noise`,
`growth`, `ode`, `conclusion`; `claims` calls them in order.
"""
