-- Makes or changes a provider or a customer. $1 id for a new one  $2 namespace  $3 kind  $4 external id  $5 name  $6 email
-- $7 time zone  $8 schedule json (null: at once)  $9 since (null: always)  $10 what holds until then (null)
-- $11 first item  $12 items a mail  $13 catch-up  $14 business days  $15 reminders  $16 every so many days
-- $17 version that was read (null: it is new)
-- No row: it was changed or made in between.
insert into recipients as r (id, namespace, kind, external_id, name, email, time_zone, schedule, schedule_since,
                             previous_schedule, first_item, items_per_mail, catch_up, follow_up_business_days,
                             follow_up_reminders, follow_up_every_days)
values ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::timestamptz, $10::jsonb,
        $11::text, $12::integer, $13::text, $14::boolean, $15::integer, $16::integer)
on conflict (namespace, kind, external_id) do update
   set name = excluded.name, email = excluded.email, time_zone = excluded.time_zone, schedule = excluded.schedule,
       schedule_since = excluded.schedule_since, previous_schedule = excluded.previous_schedule,
       first_item = excluded.first_item, items_per_mail = excluded.items_per_mail, catch_up = excluded.catch_up,
       follow_up_business_days = excluded.follow_up_business_days, follow_up_reminders = excluded.follow_up_reminders,
       follow_up_every_days = excluded.follow_up_every_days, version = r.version + 1,
       -- another address: it may take mail again
       bounced_at = case when r.email = excluded.email then r.bounced_at end,
       bounce_reason = case when r.email = excluded.email then r.bounce_reason end
 where r.version = $17::integer
returning r.id
