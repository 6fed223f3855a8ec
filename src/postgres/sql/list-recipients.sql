-- A page of a namespace's providers or customers, newest first. $1 namespace  $2 kind  $3 only bounced or paused ones
-- $4 id to go on after (null: from the start)  $5 how many
select r.id, r.namespace, r.kind, r.external_id, r.name, r.email, r.time_zone, r.schedule, r.schedule_since,
       r.previous_schedule, r.first_item, r.items_per_mail, r.catch_up, r.follow_up_business_days, r.follow_up_reminders,
       r.follow_up_every_days, r.version, r.bounced_at, r.bounce_reason, r.paused_by, r.pause_reason, r.paused_until,
       case when r.paused_at is not null and (r.paused_until is null or r.paused_until > clock_timestamp()) then r.paused_at end
         as paused_at
  from recipients r
 where r.namespace = $1::text and r.kind = $2::text
   and (not $3::boolean or r.bounced_at is not null
        or (r.paused_at is not null and (r.paused_until is null or r.paused_until > clock_timestamp())))
   and ($4::uuid is null or r.id < $4::uuid)
 order by r.id desc
 limit $5::integer
