-- :closed
SELECT closed_until FROM organisation WHERE id = :organisation

-- :latest  the last instant that was written down, UTC
SELECT max(at) FROM (SELECT max(e.at) AS at FROM outbox_event e JOIN outbox o ON o.id = e.outbox_id
  WHERE o.organisation_id = :organisation
  UNION ALL SELECT max(received_at) FROM received_file) i

-- :outbox
SELECT state, count(*), min(id) FROM outbox
WHERE organisation_id = :organisation AND state IN ('uncertain', 'failed', 'held')
GROUP BY state ORDER BY state

-- :funds  of patients covered today
SELECT DISTINCT c.scheme, c.fund FROM cover_amo c JOIN patient p ON p.id = c.patient_id
WHERE p.organisation_id = :organisation AND (c.until IS NULL OR c.until > :today)
ORDER BY c.scheme, c.fund

-- :tariffs  codes prescribed today without a tariff in force
SELECT DISTINCT i.lpp FROM care_item i JOIN prescription s ON s.id = i.prescription_id
WHERE s.organisation_id = :organisation AND i.lpp <> ''
AND i.since <= :today AND (i.until IS NULL OR i.until > :today)
AND NOT EXISTS (SELECT 1 FROM lpp_tariff t WHERE t.code = i.lpp AND t.since <= :today
  AND (t.until IS NULL OR t.until > :today)) ORDER BY i.lpp

-- :statistics  PostgreSQL only: large tables its planner believes empty
SELECT c.relname FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid
WHERE n_live_tup > 10000 AND c.reltuples < 1 ORDER BY c.relname

-- :jobs
SELECT j.name, j.since, max(r.due_at),
  min(CASE WHEN r.state IN ('running', 'waiting') THEN r.due_at END)
FROM job j LEFT JOIN job_run r ON r.organisation_id = j.organisation_id AND r.job = j.name
WHERE j.organisation_id = :organisation GROUP BY j.name, j.since
