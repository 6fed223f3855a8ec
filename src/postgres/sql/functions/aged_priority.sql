-- Where an item stands in a topic that ages: it lets younger items of a better priority pass for so many seconds a step.
-- The difference between two items never changes, so it is reckoned once, when they come.
create or replace function aged_priority(given integer, ageing_seconds integer, topic_since timestamptz, at timestamptz)
returns integer
language sql immutable parallel safe as $$
  select case when ageing_seconds is null then given
              else greatest(-2147483648, least(2147483647,
                     given + floor(extract(epoch from at - topic_since) / ageing_seconds)::bigint))::integer end
$$;
