-- Requests by id. $1 ids uuid[]
select r.id, r.namespace, r.item_external_id, r.item_description, r.quantity, r.answer_within_days, r.submitted_by,
       r.submitted_at, r.notified_at, r.outcome, r.note, r.answered_by, r.answered_at, r.customer_notified_at, r.follow_up_at,
       r.follow_ups, r.end_reason, r.customer_id, c.external_id as customer_external_id, c.email as customer_email,
       c.name as customer_name, r.provider_id, p.external_id as provider_external_id,
       request_status(r.cancelled_at, r.closed_at, r.customer_notified_at, r.answered_at, r.overdue_at, r.notified_at) as status
  from requests r join recipients c on c.id = r.customer_id join recipients p on p.id = r.provider_id
 where r.id = any ($1::uuid[])
