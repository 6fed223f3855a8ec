-- $1 topic ids int[] (null: every topic)  $2 at most so many. See functions/return_expired_items.sql.
select item_id, topic_id, priority, deliver_after, holder, ticket, outcome, topic_before from return_expired_items($1::integer[], $2::integer)
