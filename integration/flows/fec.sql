-- :documents  in order of validation; a document's id follows its link
SELECT d.id, d.issued_on, d.journal, d.fiscal_year, d.number, d.kind FROM document d
WHERE d.organisation_id = :organisation AND d.issued_on >= :since AND d.issued_on < :until
  AND (d.issued_on, d.id) > (:day, :after)
ORDER BY d.issued_on, d.id LIMIT :limit

-- :entries
SELECT document_id, account, auxiliary, debit_cents, credit_cents, invoice_id, share
FROM entry WHERE document_id {ids} AND debit_cents + credit_cents > 0
ORDER BY document_id, position

-- :lettered  dues of these invoices that are settled, and since when
SELECT invoice_id, share, account, auxiliary, max(dated) FROM entry
WHERE invoice_id {ids} AND dated < :until
GROUP BY invoice_id, share, account, auxiliary
HAVING sum(debit_cents) = sum(credit_cents) AND count(*) > 1

-- :opening
SELECT e.account, e.auxiliary, sum(e.debit_cents) - sum(e.credit_cents)
FROM document d JOIN entry e ON e.document_id = d.id
WHERE d.organisation_id = :organisation AND d.issued_on < :since
GROUP BY e.account, e.auxiliary
HAVING sum(e.debit_cents) <> sum(e.credit_cents)
ORDER BY e.account, e.auxiliary

-- :customers
SELECT code, name FROM customer WHERE organisation_id = :organisation AND code {codes}

-- :closed_until
SELECT closed_until FROM organisation WHERE id = :organisation
