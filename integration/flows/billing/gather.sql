-- :groups  groups with something due, in id order, with their size
SELECT c.group_id, count(*) FROM contract c
WHERE c.organisation_id = :organisation AND c.group_id > :after AND c.status = 'validated'
  AND NOT (c.customer_id {excluded})
  AND EXISTS (SELECT 1 FROM contract g JOIN rule r ON r.contract_id = g.id
              JOIN rule_state s ON s.rule_id = r.id
              WHERE g.group_id = c.group_id AND g.organisation_id = c.organisation_id
                AND g.status = 'validated' AND r.periodicity <> ''
                AND NOT (g.customer_id {excluded})
                AND (s.next_theoretical <= :work_date OR s.next_theoretical IS NULL))
GROUP BY c.group_id ORDER BY c.group_id LIMIT :limit

-- :contracts
SELECT id, code, label, customer_id, group_id, status, activity FROM contract
WHERE organisation_id = :organisation AND status = 'validated' AND group_id {groups}
  AND NOT (customer_id {excluded}) AND id > :after
ORDER BY group_id, id LIMIT :limit

-- :modules
SELECT m.id, m.contract_id, m.code, m.since, m.until, m.renewal_months FROM module m
WHERE m.contract_id {contracts} ORDER BY m.id

-- :rules
SELECT r.id, r.module_id, r.code, r.label, r.kind, r.term, r.periodicity, r.proration, r.regime,
  r.decimals, r.position, r.market, r.since, r.until, r.terms, s.next_theoretical, s.state,
  s.last_document_id, s.events, r.increase, r.template
FROM rule r JOIN rule_state s ON s.rule_id = r.id
WHERE r.contract_id {contracts} ORDER BY r.id

-- :cost_lines
SELECT l.id, l.rule_id, l.family, l.article, l.label, l.price_e8, l.vat_ppm, l.account,
  l.payer_id, l.site_id, l.payment_mode, l.payment_days, l.article_class, l.cutoff_price_e8,
  l.profit_price_e8, l.cost_price_e8
FROM cost_line l WHERE l.rule_id {rules} ORDER BY l.rule_id, l.position

-- :rule_meters
SELECT rm.rule_id, m.id, m.asset_id, m.code, m.label, m.cumulative, m.billable,
  m.billable_on_estimate, m.billable_on_customer, m.printable, m.calculated, m.since, m.until,
  m.scale, m.contractual_volume_e6, m.model_volume_e6, a.code, m.stated_volume_e6
FROM rule_meter rm JOIN meter m ON m.id = rm.meter_id JOIN asset a ON a.id = m.asset_id
WHERE rm.rule_id {rules} ORDER BY rm.rule_id, m.id

-- :operands  meters of the assets that have a calculated one on a rule
SELECT m.id, m.asset_id, m.code, m.label, m.calculated, m.formula, m.rounding
FROM meter m WHERE m.asset_id {assets} ORDER BY m.id

-- :rule_assets
SELECT ra.rule_id, a.id, a.code, a.label, a.serial, a.financed_in_advance,
  a.installed_on
FROM rule_asset ra JOIN asset a ON a.id = ra.asset_id
WHERE ra.rule_id {rules} ORDER BY ra.rule_id, a.id

-- :module_assets
SELECT ma.module_id, a.id, a.code, a.label, a.serial, a.financed_in_advance,
  a.installed_on
FROM module_asset ma JOIN asset a ON a.id = ma.asset_id
WHERE ma.module_id {modules} ORDER BY ma.module_id, a.id

-- :readings  recent ones, and those every volume starts from
SELECT id, meter_id, read_on, value, origin FROM reading
WHERE meter_id {meters} AND read_on <= :work_date
  AND (read_on >= :floor OR origin IN ('installation', 'takeover'))
ORDER BY meter_id, read_on, id

-- :old_readings  for meters whose last two actual readings are older than the floor
SELECT id, meter_id, read_on, value, origin FROM reading
WHERE meter_id {meters} AND read_on < :floor AND origin NOT IN ('installation', 'takeover')
ORDER BY meter_id, read_on, id

-- :deliveries  lines not billed yet, of these assets
SELECT d.id, d.number, d.line, d.delivered_on, d.article, d.label, d.article_class, d.quantity,
  d.asset_id, d.contract_id
FROM delivery d WHERE d.asset_id {assets} AND d.delivered_on <= :work_date
  AND NOT EXISTS (SELECT 1 FROM billed_part p
                  WHERE p.subject_kind = 'kit' AND p.subject_id = d.id)
ORDER BY d.delivered_on, d.number, d.line

-- :runs  patients' runs not billed yet, of these assets
SELECT n.id, n.asset_id, n.ran_at, n.person_id, n.sample_type, n.ran_at_ms
FROM analysis n WHERE n.asset_id {assets} AND n.kind = 'patient' AND n.ran_on <= :work_date
  AND NOT EXISTS (SELECT 1 FROM billed_part p
                  WHERE p.subject_kind = 'run' AND p.subject_id = n.id)
ORDER BY n.id

-- :billed_runs  those billed of the same patients about the same time, wherever they ran
SELECT n.id, n.asset_id, n.ran_at, n.person_id, n.sample_type, n.ran_at_ms
FROM analysis n WHERE n.person_id {persons} AND n.ran_at_ms > :after AND n.ran_at_ms < :before
  AND EXISTS (SELECT 1 FROM billed_part p
              WHERE p.subject_kind = 'run' AND p.subject_id = n.id)
ORDER BY n.id

-- :heard  the last day these assets were heard of
SELECT n.asset_id, max(n.ran_on) FROM analysis n
WHERE n.asset_id {assets} AND n.ran_on <= :work_date GROUP BY n.asset_id ORDER BY n.asset_id

-- :indices  months imported
SELECT year, month, index_e6 FROM syntec_index ORDER BY year, month

-- :extra_lines  lines by hand not billed yet
SELECT e.id, e.contract_id, e.code, e.article, e.label, e.quantity_e6, e.price_e8, e.vat_ppm,
  e.account, e.reason
FROM extra_line e WHERE e.contract_id {contracts}
  AND NOT EXISTS (SELECT 1 FROM billed_part p
                  WHERE p.subject_kind = 'line' AND p.subject_id = e.id)
ORDER BY e.id

-- :customers
SELECT id, code, name, address, siren, grouped, agency, estimate_fee_class, invoice_fee_class
FROM customer WHERE id {customers} ORDER BY id

-- :sites
SELECT s.id, s.code, s.name, s.address FROM site s WHERE s.id {sites} ORDER BY s.id

-- :customer_ids
SELECT id FROM customer WHERE organisation_id = :organisation AND code {codes} ORDER BY id

-- :due  contracts due, up to a limit
SELECT count(*) FROM (
  SELECT 1 FROM contract c WHERE c.organisation_id = :organisation AND c.status = 'validated'
    AND EXISTS (SELECT 1 FROM rule r JOIN rule_state s ON s.rule_id = r.id
                WHERE r.contract_id = c.id AND r.periodicity <> ''
                  AND s.next_theoretical <= :work_date)
  LIMIT :limit) found
