-- How many tasks a rate limit lets begin now: a bucket that holds the limit and fills up evenly over its time.
create or replace function task_tokens(control task_controls) returns double precision
language sql volatile as $$
  select least(control.rate_max, control.tokens + extract(epoch from clock_timestamp() - control.refilled_at)::float8
                                                  * control.rate_max / control.rate_seconds)
$$;
