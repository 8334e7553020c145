-- :known  lines of these transfers that were already taken
SELECT transfer, return_type, invoice_number, share, rank, sign FROM return_line
WHERE organisation_id = :organisation AND transfer {transfers}

-- :lots  lots in which these documents were sent
SELECT t.document_id, f.lot FROM transmission_item t
JOIN transmission f ON f.id = t.transmission_id
WHERE t.document_id {documents}

-- :senders
SELECT am_number, finess FROM organisation WHERE id = :organisation
