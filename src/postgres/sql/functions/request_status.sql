-- How a request stands, told from the times in its row.
create or replace function request_status(
  cancelled_at timestamptz,
  closed_at timestamptz,
  customer_notified_at timestamptz,
  answered_at timestamptz,
  overdue_at timestamptz,
  notified_at timestamptz
) returns text
language sql immutable parallel safe as $$
  select case when cancelled_at is not null then 'CANCELLED'
              when answered_at is not null and customer_notified_at is not null then 'CUSTOMER_NOTIFIED'
              when answered_at is not null then 'ANSWERED'
              when closed_at is not null then 'CLOSED'
              when overdue_at is not null then 'OVERDUE'
              when notified_at is not null then 'NOTIFIED'
              else 'RECEIVED' end
$$;
