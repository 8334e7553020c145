-- :done
SELECT job, max(ended_at) FROM job_run
WHERE organisation_id = :organisation AND state = 'done' GROUP BY job

-- :nights
SELECT max(closed_at) FROM closing WHERE organisation_id = :organisation AND kind = 'day'

-- :outbox
SELECT o.partner, o.state, count(*), min(e.at)
FROM outbox o LEFT JOIN outbox_event e ON e.outbox_id = o.id AND e.sequence = 1
WHERE o.organisation_id = :organisation GROUP BY o.partner, o.state

-- :files
SELECT flow, state, count(*) FROM received_file GROUP BY flow, state

-- :series
SELECT journal, fiscal_year, last_number FROM series WHERE organisation_id = :organisation
