-- :contracts  those with a rule that bills runs
SELECT c.id, c.code, c.label, c.customer_id, c.group_id, c.status, c.activity FROM contract c
WHERE c.organisation_id = :organisation AND c.status = 'validated'
  AND EXISTS (SELECT 1 FROM rule r WHERE r.contract_id = c.id AND r.kind {kinds})
ORDER BY c.id

-- :told  silences known of these assets
SELECT s.asset_id, s.heard_on FROM silence s WHERE s.asset_id {assets}

-- :unbilled  patients' runs not billed, by analyser and day
SELECT n.asset_id, a.code, n.ran_on, count(*) FROM analysis n JOIN asset a ON a.id = n.asset_id
WHERE n.organisation_id = :organisation AND n.kind = 'patient' AND n.ran_on <= :on
  AND NOT EXISTS (SELECT 1 FROM billed_part p
                  WHERE p.subject_kind = 'run' AND p.subject_id = n.id)
GROUP BY n.asset_id, a.code, n.ran_on ORDER BY n.asset_id, n.ran_on

-- :silences
SELECT s.id, o.name, c.name, a.code, a.label, a.serial, s.heard_on FROM silence s
JOIN organisation o ON o.id = s.organisation_id JOIN customer c ON c.id = s.customer_id
JOIN asset a ON a.id = s.asset_id WHERE s.id {ids}

-- :movements  consumables delivered to devices that say what they use, and used by them
SELECT a.code, d.delivered_on, d.article, d.quantity FROM delivery d JOIN asset a ON a.id = d.asset_id
WHERE a.organisation_id = :organisation
  AND EXISTS (SELECT 1 FROM consumable_use u WHERE u.asset_id = a.id)
UNION ALL
SELECT a.code, u.used_on, u.article, -u.quantity FROM consumable_use u JOIN asset a
  ON a.id = u.asset_id WHERE a.organisation_id = :organisation
