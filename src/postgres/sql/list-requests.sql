-- A page of a namespace's requests, newest first. $1 namespace  $2 statuses text[] (null: all)
-- $3 provider's external id (null: all)  $4 customer's external id (null: all)  $5 digest id (null: all)
-- $6 id to go on after (null: from the start)  $7 how many
select r.id, r.namespace, r.item_external_id, r.item_description, r.quantity, r.answer_within_days, r.submitted_by,
       r.submitted_at, r.notified_at, r.outcome, r.note, r.answered_by, r.answered_at, r.customer_notified_at, r.follow_up_at,
       r.follow_ups, r.end_reason, r.customer_id, c.external_id as customer_external_id, c.email as customer_email,
       c.name as customer_name, r.provider_id, p.external_id as provider_external_id,
       request_status(r.cancelled_at, r.closed_at, r.customer_notified_at, r.answered_at, r.overdue_at, r.notified_at) as status
  from requests r join recipients c on c.id = r.customer_id join recipients p on p.id = r.provider_id
 where r.namespace = $1::text
   and ($2::text[] is null
        or request_status(r.cancelled_at, r.closed_at, r.customer_notified_at, r.answered_at, r.overdue_at, r.notified_at)
           = any ($2::text[]))
   and ($3::text is null or r.provider_id = (select x.id from recipients x where x.namespace = $1::text
                                              and x.kind = 'PROVIDER' and x.external_id = $3::text))
   and ($4::text is null or r.customer_id = (select x.id from recipients x where x.namespace = $1::text
                                              and x.kind = 'CUSTOMER' and x.external_id = $4::text))
   and ($5::uuid is null or r.id in (select i.request_id from digest_items i where i.digest_id = $5::uuid))
   and ($6::uuid is null or r.id < $6::uuid)
 order by r.id desc
 limit $7::integer
