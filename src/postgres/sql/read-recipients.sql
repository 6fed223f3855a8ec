-- Recipients by id. $1 ids uuid[]
select r.id, r.namespace, r.kind, r.external_id, r.name, r.email, r.time_zone, r.schedule, r.schedule_since,
       r.previous_schedule, r.first_item, r.items_per_mail, r.catch_up, r.follow_up_business_days, r.follow_up_reminders,
       r.follow_up_every_days, r.version, r.bounced_at, r.bounce_reason, r.paused_by, r.pause_reason, r.paused_until,
       case when r.paused_at is not null and (r.paused_until is null or r.paused_until > clock_timestamp()) then r.paused_at end
         as paused_at
  from recipients r where r.id = any ($1::uuid[])
